"""What a person types: ask, chat, serve, models, demo. Torch and FastAPI are imported late."""
