package owner

import (
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// placeNode is a place with its parts beneath it.
type placeNode struct {
	registry.Place
	Depth int // how many places it lies in
	Parts []*placeNode
}

// Indent sets a place apart from those that it lies in, in a list that has no other means.
func (n *placeNode) Indent() string { return strings.Repeat("\u2003", n.Depth) }

// treeOf puts each place beneath its parent, in the order given.
func treeOf(all []registry.Place) []*placeNode {
	nodes := make(map[uuid.UUID]*placeNode, len(all))
	for _, p := range all {
		nodes[p.ID] = &placeNode{Place: p}
	}
	var roots []*placeNode
	for _, p := range all {
		node := nodes[p.ID]
		if parent, ok := nodes[p.Parent]; ok {
			parent.Parts = append(parent.Parts, node)
		} else {
			roots = append(roots, node)
		}
	}
	for _, root := range roots {
		root.deepen(0)
	}
	return roots
}

// deepen notes how deep a place and its parts lie.
func (n *placeNode) deepen(depth int) {
	n.Depth = depth
	for _, part := range n.Parts {
		part.deepen(depth + 1)
	}
}

// flatten lists each node before its parts.
func flatten(nodes []*placeNode) []*placeNode {
	var list []*placeNode
	for _, node := range nodes {
		list = append(append(list, node), flatten(node.Parts)...)
	}
	return list
}
