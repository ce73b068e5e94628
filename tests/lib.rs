//! End-to-end tests over the whole workspace; the tests are beside this file.
