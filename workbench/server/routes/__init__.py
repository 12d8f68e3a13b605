"""The routes, a file a family. Each has `router(services)`, which `workbench.server.app` includes."""
