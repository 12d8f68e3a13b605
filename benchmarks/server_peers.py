"""What the server is measured beside: the same asked of Gradio by itself.

    python -m benchmarks.server_peers hello PORT
    python -m benchmarks.server_peers gallery PORT FOLDER

serves a page with two text fields, or a gr.Gallery of all pictures of a folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# No telemetry, which would wait for a network.
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}

import gradio as gr


def main() -> None:
    """Serve until killed."""
    kind, port = sys.argv[1], int(sys.argv[2])
    folder = Path(sys.argv[3]) if kind == "gallery" else None
    with gr.Blocks() as app:
        if folder is None:
            name, said = gr.Textbox(label="Name"), gr.Textbox(label="Greeting")
            name.submit(lambda text: f"Hello {text}", name, said)
        else:
            pictures = [(str(path), path.name) for path in sorted(folder.iterdir())]
            gr.Gallery(pictures, columns=5, height=700, object_fit="cover")
    app.launch(server_port=port, quiet=True, allowed_paths=[str(folder)] if folder else None, footer_links=[])


if __name__ == "__main__":
    main()
