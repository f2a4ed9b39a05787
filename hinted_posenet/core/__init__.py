"""What every room uses: types, geometry, errors, atomic files, tables and figures."""
