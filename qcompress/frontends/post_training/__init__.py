"""Models of floats, quantized after training because a user asks for it: a named QKeras model, and what that cost."""
