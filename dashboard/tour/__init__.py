"""The Tour page: five short demonstrations, each one message, one number and a file to take away."""
