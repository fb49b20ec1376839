package page

import "slices"

// faultyFields lists the fields, by their ids, that a failure of a form is about; none where it is about none of them.
func faultyFields(code string) []string {
	switch code {
	case "place_name":
		return []string{"name"}
	case "place_kind":
		return []string{"kind"}
	case "place_parent":
		return []string{"parent"}
	case "place_area":
		return []string{"area"}
	case "code_end":
		return []string{"day"}
	case "place_dwell":
		return []string{"dwell"}
	case "place_form":
		return []string{"form"}
	case "place_file", "place_file_size", "place_file_cut":
		return []string{"file"}
	case "case_person", "person_unknown":
		return []string{"phone", "id_card"}
	case "phone":
		return []string{"phone"}
	case "id_card":
		return []string{"id_card"}
	case "case_day_missing", "case_day":
		return []string{"onset", "sample"}
	case "own_before_onset":
		return []string{"before"}
	case "own_min_overlap":
		return []string{"overlap"}
	case "own_linger":
		return []string{"linger"}
	case "own_latency":
		return []string{"latency"}
	case "own_depth":
		return []string{"depth"}
	case "own_crowd_limit":
		return []string{"crowd"}
	case "case_isolation":
		return []string{"isolated"}
	case "case_lab_ref":
		return []string{"lab_ref"}
	case "lab_ref_taken":
		return []string{"lab_ref"}
	case "person_name", "dependant_name":
		return []string{"name"}
	case "unknown_reference":
		return []string{"ward"}
	case "proof_wrong":
		return []string{"code"}
	case "opening_purpose":
		return []string{"text"}
	case "login", "login_taken":
		return []string{"login"}
	case "wrong_login":
		return []string{"login", "password"}
	case "role", "role_not_granted":
		return []string{"role"}
	case "wrong_password":
		return []string{"present"}
	case "password":
		return []string{"password"}
	case "passwords_differ":
		return []string{"password", "again"}
	case "wrong_second_factor", "invitation_gone":
		return []string{"code"}
	case "invitation_note":
		return []string{"note"}
	case "organisation_name":
		return []string{"name"}
	case "application_contact":
		return []string{"contact"}
	case "application_ward":
		return []string{"area"}
	case "print_list", "logo":
		return []string{"list", "logo"}
	case "account_place":
		return []string{"place"}
	}
	return nil
}

// faulty says whether a failure is about a field. There may be none.
func faulty(p *Problem, field string) bool {
	return p != nil && slices.Contains(faultyFields(p.Code), field)
}
