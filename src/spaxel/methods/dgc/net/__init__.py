"""The networks and objectives of Deep Global Clustering. Needs torch."""
