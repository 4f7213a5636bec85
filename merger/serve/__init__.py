"""A merge that programs talk to: an endpoint as OpenAI's, around one model in memory. No folder is written."""
