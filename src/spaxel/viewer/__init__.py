"""The viewer in the browser: a Bokeh server application on this computer only, read-only.

state        what the panes of one window share             panes        the list of panes: add one there
scene        what is opened: runs, files, cubes             application  one window: map at the left, panes at the right
screen       which pixels are on the screen                 reading      read from coarse to fine, and kept
layers       what a map can show                            sampled      a quick look at a whole scene
map_view, map_pane, map_axes, layer_controls, region_tools, stretches       the map
regions      pixels, boxes, polygons                        spectra, spectrum_pane, candidates, downloads
world        coordinates of the world                       look         light and dark
guard        who gets an answer                             server, shown: how it starts and ends
"""
