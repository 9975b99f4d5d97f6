"""The component `outcome`."""
