//! Floor 1: how things look. The only room that writes for people and machines.
