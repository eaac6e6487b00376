"""The command side: services that decide, each the only one that writes its store."""
