"""What the tests share: a scripted upstream on raw sockets, and a whole relay on a free port."""
