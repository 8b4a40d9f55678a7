"""The tests; a package, because a dependency of the SDK installs one of the same name."""
