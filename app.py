"""The explorer's page: `make run`, and a Hugging Face Space's entry."""

from merger.ui import LAUNCH, build_app

demo = build_app()

if __name__ == "__main__":
    demo.launch(**LAUNCH)
