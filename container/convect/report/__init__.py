"""The page that training leaves for people, `report.html`: what is gathered for it, what it says, how it is written."""
