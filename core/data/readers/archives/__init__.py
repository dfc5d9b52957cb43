"""Archives: judged before anything is unpacked."""
