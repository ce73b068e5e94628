//! An HTTP server for tests.
