"""The terminal chat: the way in when the other chats are down, and the demo's face."""
