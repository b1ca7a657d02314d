"""The addresses of this room. Those that allauth asks for by name are named as it calls them."""

from django.urls import URLPattern, path

from staff.views import account, api_keys, audit_log, joining, policy, sign_in, team

urlpatterns: list[URLPattern] = [
    path("login/", sign_in.SignIn.as_view(), name="account_login"),
    path("logout/", sign_in.SignOut.as_view(), name="account_logout"),
    path("account/", account.account, name="account"),
    path("account/name/", account.change_name, name="account_name"),
    path("account/password/", account.change_password, name="account_password"),
    path("api-keys/", api_keys.keys, name="api_keys"),
    path("api-keys/<int:key>/revoke/", api_keys.revoke, name="api_key_revoke"),
    path("audit/", audit_log.audit_log, name="audit_log"),
    path("team/", team.team, name="team"),
    path("team/invite/", team.invite, name="team_invite"),
    path("team/invitations/<int:invitation>/revoke/", team.revoke, name="team_revoke"),
    path("team/<int:account>/disable/", team.disable, name="team_disable"),
    path("team/<int:account>/enable/", team.enable, name="team_enable"),
    path("team/<int:account>/role/", team.change_role, name="team_role"),
    path("team/policy/", policy.policy, name="team_policy"),
    path("team/join/<str:token>/", joining.join, name="join"),
]
