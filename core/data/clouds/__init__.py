"""Clouds and their shadows, estimated from blue, green, red and near infrared by the networks of ukis-csmask."""
