"""Two-stage training: packed rows, exact resume, loss on the assistant's tokens alone."""
