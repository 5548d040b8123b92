"""The one seam to language models: what is asked, what is answered, and who may be asked."""
