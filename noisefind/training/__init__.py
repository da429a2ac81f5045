"""From pixels and features to the Record: what every member said of every image."""
