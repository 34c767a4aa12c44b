//! Floor 1: `services.toml`. The only room that knows TOML.
