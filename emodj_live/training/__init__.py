"""From annotated music to a model file. Offline only: the live path never imports this."""
