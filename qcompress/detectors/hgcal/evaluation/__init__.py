"""Scores of candidates beside the chip's algorithms: EMD, conservation, clusters, on whole events."""
