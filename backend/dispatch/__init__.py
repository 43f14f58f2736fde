"""Who is eligible and nearest, and who moves up where an area is left empty: pure choices, and a
table of moves. The finding brings people, incidents and the map together for them."""
