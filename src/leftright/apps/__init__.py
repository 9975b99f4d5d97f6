"""What a person runs beside the stages."""
