"""The net in PyTorch: what is learned, and from which loss."""
