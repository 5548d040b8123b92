"""What a person types: ask, chat, serve, models, a file each. Torch and FastAPI are imported late."""
