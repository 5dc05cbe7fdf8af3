"""The web: a server that is safe to leave running, and the page that shows what is heard while it is heard."""
