//! upnext in the browser and at the edge.
