"""Medical language in two tongues: the concepts that answers name, and how an answer is read for them."""
