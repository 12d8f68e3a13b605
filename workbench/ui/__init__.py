"""The pages, made with Gradio: forms and layout. What moves or is large is a widget of our own in `static/`."""
