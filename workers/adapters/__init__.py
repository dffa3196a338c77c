"""The doors to the world: engine, files, web, programs, git. One vendor library each."""
