"""What several tests use: random graphs and models, twins written plainly, toy samples."""
