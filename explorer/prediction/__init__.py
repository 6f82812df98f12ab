"""What trained weights say about images."""
