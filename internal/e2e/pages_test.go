package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// longName is as long as the name of a place may be.
var longName = strings.TrimSpace(strings.Repeat("Trung tâm Thương mại Dịch vụ Nghiêng Nghiêng ", 5))[:200]

// readers are who looks: their language, and by day or by night.
var readers = [][2]string{{"vi", "light"}, {"en", "dark"}}

// TestPages looks over every page that is read at a desk or a wall, by day in Vietnamese and by night in English, and has people go
// through them who use no mouse, or no script: one after the other, for a server makes one trace at a time.
func TestPages(t *testing.T) {
	t.Parallel()
	in, info := demoTown(t)
	t.Run("keyboard", func(t *testing.T) { keyboard(t, in) })
	t.Run("without script", func(t *testing.T) { scriptless(t, in, info) })
	for _, as := range readers {
		t.Run(as[0]+" "+as[1], func(t *testing.T) {
			l := lookOver(t, in, as[0], as[1])
			l.anybody()
			l.citizen(info)
			l.owner(info)
			l.guard()
			l.team(info)
			l.keepers()
		})
	}
}

// refusal is what says that a form was not taken.
const refusal = ".box.danger"

// visit opens one page after the other: pairs of a name and a path.
func (l *looker) visit(pages [][2]string) {
	l.t.Helper()
	for _, page := range pages {
		l.open(page[0], page[1])
	}
}

// as becomes somebody of the staff.
func (l *looker) as(login string, landing css) {
	l.t.Helper()
	l.forget()
	l.logIn(l.in, login, landing)
}

// where returns the path of the page that is shown.
func (l *looker) where() string {
	l.t.Helper()
	at, err := url.Parse(read(l.tab, "asking for the address", chromedp.Location()))
	if err != nil {
		l.t.Fatal(err)
	}
	return at.Path
}

func (l *looker) anybody() {
	l.visit([][2]string{
		{"home", "/"},
		{"login", "/login"},
		{"signup", "/signup"},
		{"notice", "/notice"},
		{"no page", "/nowhere"},
		{"enrol", "/gate/enrol"},
		{"no screen", "/screen"},
		{"refused", "/q/ABC"},
		{"no invitation", "/invitation/abc"},
		{"my phone", "/me"},
	})
	l.do("logging in wrongly", chromedp.Navigate(l.in.base+"/login"), chromedp.WaitVisible(css("#login")))
	l.send("login refused", `form[action="/login"] button`, refusal)
	l.do("asking for an account", chromedp.Navigate(l.in.base+"/signup"), chromedp.WaitVisible(css("#name")))
	l.send("signup refused", `form[action="/signup"] button`, refusal)
	l.do("asking for an account again",
		chromedp.SetValue(css("#name"), "Quán "+l.language), chromedp.SetValue(css("#contact"), "024 3828 0000"))
	l.send("signed up", `form[action="/signup"] button`, ".box.made")
	link := l.text(".box.made code")
	l.open("waiting for leave", link[strings.Index(link, "/invitation/"):])
}

func (l *looker) citizen(info demoInfo) {
	wall := "/q/" + info.Token
	l.forget()
	l.open("check in", wall)
	l.send("no phone", `form[action$="/phone"] button`, refusal)
	l.do("giving a number", chromedp.SetValue(css("#phone"), map[string]string{"vi": "0912 345 678", "en": "0912 345 679"}[l.language]))
	l.send("proof", `form[action$="/phone"] button`, ".demo-code .code")
	code := l.text(".demo-code .code")
	l.do("typing a wrong code", chromedp.SetValue(css("#code"), "000000"))
	l.send("wrong code", `form[action$="/code"] button`, refusal)
	l.do("typing the code", chromedp.SetValue(css("#code"), code))
	l.send("stamp", `form[action$="/code"] button`, ".stamp")
	l.stamped(".stamp .now b")
	l.open("check in again", wall)
	l.open("with", wall+"/with")
	l.do("naming a child", chromedp.SetValue(css("#name"), "Bé Na "+l.language))
	l.send("check in with a child", `form[action$="/with"] button`, "button.huge")
	l.do("coming", chromedp.Click(css("button.huge")), chromedp.WaitVisible(css(".stamp")))
	l.send("leaving", `button[name=kind][value=out]`, "button[name=kind][value=in]")
	l.open("check", "/check/"+info.Token)
	l.open("my code", "/me/code")
	l.open("my phone", "/me")
	l.do("giving a number", chromedp.SetValue(css("#phone"), info.Phone))
	l.send("my proof", `form[action="/me/phone"] button`, ".demo-code .code")
	l.do("typing the code", chromedp.SetValue(css("#code"), l.text(".demo-code .code")))
	l.send("my check-ins", `form[action="/me/proof"] button`, `form[action="/me/leave"]`)
	l.open("opened", "/me/opened")
	l.open("erase", "/me/erase")
	l.open("declarations", "/me/declarations")
	l.follow("declare", `ul.links a[href^="/me/declare/"]`)
	l.send("declared nothing", `form.declare button`, refusal)
}

func (l *looker) owner(info demoInfo) {
	l.as("owner", `a[href="/places/new"]`)
	place := "/places/" + info.Place
	l.visit([][2]string{
		{"places", "/places"},
		{"no places found", "/places?name=zzzz"},
		{"new place", "/places/new"},
		{"new part", "/places/new?parent=" + info.Place},
		{"place", place},
		{"place edit", place + "/edit"},
		{"codes", place + "/codes"},
		{"reissue", place + "/reissue"},
		{"revoke", place + "/revoke?serial=1"},
		{"turnout", place + "/turnout"},
		{"screen at the door", place + "/screen"},
		{"print", "/places/print"},
		{"logo", "/places/logo"},
		{"place file", "/places/file"},
		{"owner accounts", "/accounts"},
		{"owner account", "/account"},
		{"factor", "/account/factor"},
	})
	l.do("making a place of no name", chromedp.Navigate(l.in.base+"/places/new"), chromedp.WaitVisible(css("#name")))
	l.send("new place refused", `form[action="/places/new"] button`, refusal)
	l.do("making a place of a long name", chromedp.Navigate(l.in.base+"/places/new?parent="+info.Place),
		chromedp.SetValue(css("#name"), longName))
	l.send("place of a long name", `form[action="/places/new"] button`, "figure.paper img")
	long := l.where()
	for _, page := range []string{"codes", "reissue", "revoke?serial=1", "turnout", "screen", "edit"} {
		l.open("long "+page, long+"/"+page)
	}
	l.do("choosing a list that is none", chromedp.Navigate(l.in.base+"/places/print"), chromedp.Click(css(`input[value=listed]`)))
	l.send("print refused", `form[action="/places/print"] button`, refusal)
	l.do("choosing a list with faults", chromedp.Navigate(l.in.base+"/places/print"), chromedp.Click(css(`input[value=listed]`)))
	l.put("#list", "list.csv", "name;id\na;00000000-0000-4000-8000-000000000001\nb;c\n"+strings.Repeat("x;y\n", 30))
	l.send("print faults", `form[action="/places/print"] button`, "table")
	l.do("ordering posters", chromedp.Navigate(l.in.base+"/places/print"), chromedp.WaitVisible(css("#size")))
	l.send("order", `form[action="/places/print"] button`, `progress, a.button[href$="/file"]`)
	l.do("waiting for the posters", chromedp.Navigate(l.in.base+l.where()), chromedp.WaitVisible(css(`a.button[href$="/file"]`)))
	l.look("order done")
	l.open("print with orders", "/places/print")
	l.do("taking in places", chromedp.Navigate(l.in.base+"/places/file"), chromedp.WaitVisible(css("#file")))
	l.put("#file", "places.csv", "reference,name,kind,area\nA1,Sạp mới,stall,zzz\n,,,\n")
	l.send("place file taken", `form[action="/places/file"] button`, "main h1")
	l.do("inviting a gate", chromedp.Navigate(l.in.base+place), chromedp.WaitVisible(css(`form[action="/accounts"] button`)))
	l.send("gate invited", `form[action="/accounts"] button`, ".box.made")
}

// put puts a file into a field.
func (l *looker) put(field css, name, content string) {
	l.t.Helper()
	l.do("choosing a file", chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
		const list = new DataTransfer(); list.items.add(new File([%q], %q)); document.querySelector(%q).files = list.files
	})()`, content, name, string(field))))
}

func (l *looker) guard() {
	l.as("gate", `form[action="/gate"]`)
	l.look("gate")
	l.open("gate out", "/gate?mode=out")
	l.do("typing a number", chromedp.Navigate(l.in.base+"/gate"), chromedp.SetValue(css("#number"), "0912 345 678"))
	l.do("sending it", chromedp.Evaluate[chromedp.Void](`document.querySelector("form.till").submit()`),
		chromedp.WaitVisible(css(`form[action="/gate/undo"]`)))
	l.look("gate passed")
	l.do("typing what is none", chromedp.SetValue(css("#number"), "12"))
	l.do("sending it", chromedp.Evaluate[chromedp.Void](`document.querySelector("form.till").submit()`),
		chromedp.WaitVisible(css(`.verdict.no`)))
	l.look("gate refused")
}

func (l *looker) team(info demoInfo) {
	l.as("city", `a[href="/cases/new"]`)
	run := "/runs/" + info.Run
	l.visit([][2]string{
		{"cases", "/cases"},
		{"no cases", "/cases?day=2001-01-01"},
		{"new case", "/cases/new"},
		{"runs", "/runs"},
		{"run", run},
		{"run filtered", run + "?generation=2&sort=ward"},
		{"run of nobody", run + "?q=zzzz"},
		{"run cases", run + "/cases"},
		{"team accounts", "/accounts"},
		{"team account", "/account"},
		{"no run", "/runs/1"},
	})
	l.do("opening a run", chromedp.Navigate(l.in.base+run), chromedp.WaitVisible(css("#list details summary")))
	l.do("opening the evidence", chromedp.Click(css("#list details summary")))
	l.look("run evidence")
	l.follow("details", `#list a[href*="/people/"]`)
	l.send("details refused", `form[action*="/people/"] button`, refusal)
	l.do("choosing a purpose", chromedp.Click(css(`input[name=purpose]`)))
	l.send("details opened", `form[action*="/people/"] button`, "dl.details")
	l.open("cases", "/cases")
	l.follow("case", `th a[href^="/cases/"]`)
	l.do("entering nothing", chromedp.Navigate(l.in.base+"/cases/new"), chromedp.WaitVisible(css("#lab_ref")))
	l.send("new case refused", `form[action="/cases/new"] button`, refusal)
	l.do("choosing every case", chromedp.Navigate(l.in.base+"/cases"), chromedp.Click(css(`input[name=which][value=all]`)),
		press(`button[formaction="/dry-run"]`, "table.dry"))
	l.look("dry run")
	l.do("trying numbers of one's own", chromedp.SetValue(css("#overlap"), "-1"))
	l.send("dry run refused", `form[action^="/dry-run"] button`, refusal)
	l.do("tracing", chromedp.Navigate(l.in.base+"/cases"), chromedp.Click(css(`input[name=which][value=all]`)),
		press(`form[action="/runs"] button:not([formaction]):not([type=button])`, "h1.answer"))
	l.look("run of every case")
	rode := read(l.tab, "finding who was on a trip", chromedp.Evaluate[string](`[...document.querySelectorAll("#list details.person")].
		find((d) => /Chuyến|Trip/.test(d.querySelector(".evidence").textContent)).querySelector(".code-cell").textContent`))
	l.open("run evidence of a trip", l.where()+"?q="+url.QueryEscape(rode))
	l.as("district", `a[href="/cases/new"]`)
	l.do("entering a case", chromedp.Navigate(l.in.base+"/cases/new"), chromedp.SetValue(css("#phone"), info.Phone),
		chromedp.SetValue(css("#onset"), info.Onset), chromedp.SetValue(css("#lab_ref"), "XN-"+l.language))
	l.send("case of one's own", `form[action="/cases/new"] button`, `form[action="/runs"] button`)
	l.send("run that waits", `form[action="/runs"] button[type=submit]:not([formaction])`, "main .box")
	waiting := l.where()
	l.as("city", `a[href="/cases/new"]`)
	l.open("run to approve", waiting)
	l.send("run approved", `form[action$="/approve"] button`, "h1.answer")
}

// keepers look after accounts and the audit log.
func (l *looker) keepers() {
	l.as("admin", `a[href="/accounts"]`)
	l.visit([][2]string{
		{"accounts", "/accounts"},
		{"applications", "/applications"},
		{"organisations", "/organisations"},
		{"account", "/account"},
		{"factor", "/account/factor"},
	})
	l.open("accounts", "/accounts")
	l.follow("account of somebody", `th a[href^="/accounts/"]`)
	l.open("organisations", "/organisations")
	l.follow("organisation", `main a[href^="/organisations/"]`)
	l.do("naming it nothing", chromedp.Evaluate[chromedp.Void](`document.querySelector("#name").value = ""`))
	l.send("organisation refused", `form[action^="/organisations/"] button`, refusal)
	l.do("inviting", chromedp.Navigate(l.in.base+"/accounts"), chromedp.WaitVisible(css("#role")))
	l.send("invitation refused", `form[action="/accounts"] button`, refusal)
	l.open("account", "/account")
	l.send("password refused", `form[action="/account/password"] button`, refusal)
	l.as("auditor", `a[href="/audit"]`)
	l.look("audit")
	l.open("audit filtered", "/audit?who=city")
	l.open("forbidden", "/cases")
}
