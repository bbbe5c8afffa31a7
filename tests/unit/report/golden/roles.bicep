// roles.bicep
// az deployment sub create --subscription 11111111-1111-1111-1111-111111111111 --location LOCATION --template-file FILE --parameters principalId=OBJECT_ID
targetScope = 'subscription'

@description('Object id of the identity that runs provision')
param principalId string

@description('It may assign these roles and no others')
var condition = '((!(ActionMatches{\'Microsoft.Authorization/roleAssignments/write\'})) OR (@Request[x] y {z}))'

resource role0 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, 'Contoso\'s ingress')
  properties: {
    roleName: 'Contoso\'s ingress'
    description: 'For the identity that runs provision with profile prod: run provision.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.Authorization/roleAssignments/delete'
          'Microsoft.Authorization/roleAssignments/write'
          'Microsoft.Network/dnsOperationStatuses/read'
          'Microsoft.Network/dnsZones/all/read'
          'Microsoft.Network/dnsZones/delete'
          'Microsoft.Network/dnsZones/read'
          'Microsoft.Network/dnsZones/write'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [
      '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-dns'
    ]
  }
}

module role0At0 'assignment.bicep' = {
  name: 'provision-role0-0'
  scope: resourceGroup('11111111-1111-1111-1111-111111111111', 'rg-dns')
  params: {
    roleDefinitionId: role0.id
    principalId: principalId
    condition: condition
  }
}

resource role1 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, 'Contoso\'s ingress (subscription)')
  properties: {
    roleName: 'Contoso\'s ingress (subscription)'
    description: 'For the identity that runs provision with profile prod: find what is left over and read role assignments.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.Authorization/roleAssignments/read'
          'Microsoft.Resources/subscriptions/resources/read'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [
      '/subscriptions/11111111-1111-1111-1111-111111111111'
    ]
  }
}

resource role1At0 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, role1.id)
  properties: {
    roleDefinitionId: role1.id
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// assignment.bicep
targetScope = 'resourceGroup'

param roleDefinitionId string
param principalId string
param condition string

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, principalId, roleDefinitionId)
  properties: {
    roleDefinitionId: roleDefinitionId
    principalId: principalId
    principalType: 'ServicePrincipal'
    condition: empty(condition) ? null : condition
    conditionVersion: empty(condition) ? null : '2.0'
  }
}
