"""The dashboard and its parts: the only place with rich, apart from progress bars."""
