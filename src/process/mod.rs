//! Floor 1: commands of services: starting, watching and ending them.
