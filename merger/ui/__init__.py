"""The page: gradio and nothing else shows here. `build_app` makes it, `LAUNCH` is how it is served."""

from merger.ui.app import LAUNCH, PRESETS, Panels, build_app

__all__ = ["LAUNCH", "PRESETS", "Panels", "build_app"]
