"""What the pages of ``errors``, ``conversations`` and ``browse`` share: answers, pictures, figures."""
