package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

// postApproval approves a run as a second person.
func (a *API) postApproval(c *gin.Context, actor registry.Account) error {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return registry.ErrNotFound
	}
	if err := a.tracing.Approve(c.Request.Context(), actor, id); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// postDetails opens the details of somebody in a run's list.
func (a *API) postDetails(c *gin.Context, actor registry.Account) error {
	run, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return registry.ErrNotFound
	}
	person, err := uuid.Parse(c.Param("person"))
	if err != nil {
		return registry.ErrNotFound
	}
	var body struct {
		Purpose string `json:"purpose"`
		Text    string `json:"text"`
	}
	if err := readJSON(c.Writer, c.Request, &body); err != nil {
		return err
	}
	purpose := vault.Purpose{Code: body.Purpose, Text: body.Text}
	_, details, err := a.tracing.OpenDetails(c.Request.Context(), actor, run, person, purpose)
	if err != nil {
		return err
	}
	opened := make(map[vault.Field]string, len(details))
	for _, field := range vault.Fields() {
		if details[field] != "" {
			opened[field] = details[field]
		}
	}
	declared, err := a.declarations.Read(c.Request.Context(), details)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"person": person, "details": opened, "declarations": declarationsOf(declared)})
	return nil
}
