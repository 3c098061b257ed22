"""Display: MIME bundles and widgets."""
