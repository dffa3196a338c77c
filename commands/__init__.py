"""The core: what may be asked, decided and remembered. Pure of chats, Docker and databases."""
