# The identity that runs provision: its object id, not its application id.
: ${OBJECT_ID:?the object id of the identity that runs provision}
# It may assign these roles and no others.
CONDITION='((!(ActionMatches{'"'"'Microsoft.Authorization/roleAssignments/write'"'"'})) OR (@Request[x] y {z}))'

az role definition create --role-definition '{"Name": "Contoso'"'"'s ingress", "IsCustom": true, "Description": "For the identity that runs provision with profile prod: run provision.", "Actions": ["Microsoft.Authorization/roleAssignments/delete", "Microsoft.Authorization/roleAssignments/write", "Microsoft.Network/dnsOperationStatuses/read", "Microsoft.Network/dnsZones/all/read", "Microsoft.Network/dnsZones/delete", "Microsoft.Network/dnsZones/read", "Microsoft.Network/dnsZones/write"], "NotActions": [], "DataActions": [], "NotDataActions": [], "AssignableScopes": ["/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-dns"]}'
az role assignment create --assignee-object-id "$OBJECT_ID" --assignee-principal-type ServicePrincipal --role 'Contoso'"'"'s ingress' --scope /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-dns --condition "$CONDITION" --condition-version 2.0

az role definition create --role-definition '{"Name": "Contoso'"'"'s ingress (subscription)", "IsCustom": true, "Description": "For the identity that runs provision with profile prod: find what is left over and read role assignments.", "Actions": ["Microsoft.Authorization/roleAssignments/read", "Microsoft.Resources/subscriptions/resources/read"], "NotActions": [], "DataActions": [], "NotDataActions": [], "AssignableScopes": ["/subscriptions/11111111-1111-1111-1111-111111111111"]}'
az role assignment create --assignee-object-id "$OBJECT_ID" --assignee-principal-type ServicePrincipal --role 'Contoso'"'"'s ingress (subscription)' --scope /subscriptions/11111111-1111-1111-1111-111111111111
