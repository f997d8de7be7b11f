"""Organisations, pools, agreements, sites and vehicles."""
