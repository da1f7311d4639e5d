"""What knows torch, and nothing else: networks, objectives and the only training loop. Needs the extra `deep`."""
