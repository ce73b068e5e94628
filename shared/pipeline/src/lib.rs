//! The steps from an export drop to a committed period: map, seal, ready, aggregate.
