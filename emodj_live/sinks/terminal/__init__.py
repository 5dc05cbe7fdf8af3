"""The dashboard, and all that it is made of. The only place with rich, beside progress bars."""
