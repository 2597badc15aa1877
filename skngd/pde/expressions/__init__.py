"""What a residual computes with: quantities at points, and functions that are called there."""
