"""Slack, the only room that knows its libraries."""
